"""``selinon watch``: from saving a file to the result, and a page that shows it.

::

    options            what the user asked for
    watch_roots        the directories and files of a project in which changes matter
    file_snapshot      which files matter and their content digests (so that touching a file is not a change)
    file_events        watchdog: notifications that something happened in one of the directories
    child              processes whose whole group ends with them
    rebuild            what one fresh process does: lint, and if asked for run and draw. A new process, so that
                       changed task code is really reloaded
    rebuild_scheduler  one rebuild at a time, and what of it is shown
    loop               changes -> rebuilds; the newest content wins
    drawings           of all flows, for the page
    server             the page on loopback
"""
