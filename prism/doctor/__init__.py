"""`manage.py doctor`: what is wrong, in words, and what to do about it. One small function per question."""
