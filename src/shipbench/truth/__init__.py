"""What a library's API really is, and what an application really calls."""
