# What people write to the assistant stays out of the logs, as do credentials.
Rails.application.config.filter_parameters += [
  :content, :passw, :secret, :token, :_key, :crypt, :salt, :certificate, :otp
]
