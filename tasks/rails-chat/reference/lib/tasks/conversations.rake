namespace :conversations do
  desc "Delete conversations that have expired (the file store never does so by itself)"
  task prune: :environment do
    Rails.cache.cleanup
  end
end
