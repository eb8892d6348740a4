# The cookie holds the conversation's id only, never its messages: cookies end at 4 KB.
Rails.application.config.session_store :cookie_store, key: "_chat_session", same_site: :lax, expire_after: 12.hours
