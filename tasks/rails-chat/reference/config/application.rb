require_relative "boot"

# Only the frameworks that the chat needs: no Active Record, Action Mailer, Active Job or Action Cable.
require "rails"
require "active_model/railtie"
require "action_controller/railtie"
require "action_view/railtie"
require "rails/test_unit/railtie"

Bundler.require(*Rails.groups)

module Chat
  class Application < Rails::Application
    config.load_defaults 8.1

    config.autoload_lib(ignore: %w[ assets tasks ])

    # Conversations live in the cache, so the cache must outlive a restart and be shared by every worker:
    # files below storage/, which compose.yaml keeps on a volume. Several hosts need a shared store instead.
    config.cache_store = :file_store, ENV.fetch("CACHE_PATH") { Rails.root.join("storage", "cache", Rails.env).to_s }

    config.generators.system_tests = nil
  end
end
