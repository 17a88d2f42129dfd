"""What people see and do, in a real Chromium on a plain-HTTP origin, against a real gunicorn."""
