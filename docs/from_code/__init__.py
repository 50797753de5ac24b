"""What does the code say of itself, as Markdown?"""
