"""``selinon watch``: from saving a file to the result, and a page that shows it.

::

    sight    which files matter, and what is in them (by content, so that touching a file is no change)
    eyes     watchdog: something happened in one of the directories
    child    one round in a fresh process, so that changed task code is really reloaded
    round    what that process does: lint, and if asked for run and draw
    loop     changes -> rounds -> what is shown; one round at a time, the newest content wins
    server   the page on loopback
"""
