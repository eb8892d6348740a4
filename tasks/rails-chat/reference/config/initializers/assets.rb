# Change the version to make every browser fetch all assets anew.
Rails.application.config.assets.version = "1.0"
