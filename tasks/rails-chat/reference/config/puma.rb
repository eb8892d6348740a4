threads_count = ENV.fetch("RAILS_MAX_THREADS", 5)
threads threads_count, threads_count

# Requests wait for the model, so more than one worker is worth its memory; conversations are shared through files.
workers ENV.fetch("WEB_CONCURRENCY", 0)

port ENV.fetch("PORT", 3000)

plugin :tmp_restart
plugin :tailwindcss if ENV.fetch("RAILS_ENV", "development") == "development"

pidfile ENV["PIDFILE"] if ENV["PIDFILE"]
