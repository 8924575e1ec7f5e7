"""Scripts for processes of their own. They have a folder to themselves because the folder of a script
leads its search path: names in it must not hide the packages that the scripts import.
"""
