"""``selinon watch``: from saving a file to the result, and a page that shows it.

::

    places   where to look: the directories and files of a project
    sight    which files matter, and what is in them (by content, so that touching a file is no change)
    eyes     watchdog: something happened in one of the directories
    child    one round in a fresh process, so that changed task code is really reloaded
    round    what that process does: lint, and if asked for run and draw
    rounds   one at a time, and what of them is shown
    loop     changes -> rounds; the newest content wins
    pictures of all flows, for the page
    server   the page on loopback
"""
