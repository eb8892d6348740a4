# Keeps conversations in the cache store under an id that the session carries. They expire when unused.
class ConversationStore
  TTL = 12.hours

  def initialize(cache: Rails.cache)
    @cache = cache
  end

  def find(id)
    Conversation.load(@cache.read(key(id)))
  end

  # Reads anew before it writes: the model took seconds, and another tab may have added turns meanwhile.
  def append(id, *messages)
    find(id).add(*messages).tap { |conversation| @cache.write(key(id), conversation.dump, expires_in: TTL) }
  end

  def delete(id)
    @cache.delete(key(id))
  end

  private

  def key(id) = "conversation/#{id}"
end
