require "test_helper"

class ConversationStoreTest < ActiveSupport::TestCase
  setup do
    @store = ConversationStore.new
    @id = SecureRandom.uuid
  end

  test "an unknown conversation is empty" do
    assert_empty @store.find(@id)
  end

  test "what one instance appends another one finds" do
    @store.append(@id, Message.from_user("Hi"), Message.from_assistant("Hello"))
    @store.append(@id, Message.from_user("And?"))

    assert_equal %w[ Hi Hello And? ], ConversationStore.new.find(@id).messages.map(&:content)
  end

  test "outlives the process: the cache is on disk" do
    @store.append(@id, Message.from_user("Hi"))
    reopened = ActiveSupport::Cache::FileStore.new(Rails.cache.cache_path)

    assert_equal [ "Hi" ], ConversationStore.new(cache: reopened).find(@id).messages.map(&:content)
  end

  test "conversations do not mix" do
    @store.append(@id, Message.from_user("mine"))

    assert_empty @store.find(SecureRandom.uuid)
  end

  test "deletes" do
    @store.append(@id, Message.from_user("Hi"))
    @store.delete(@id)

    assert_empty @store.find(@id)
  end

  test "expires when unused" do
    @store.append(@id, Message.from_user("Hi"))

    travel ConversationStore::TTL + 1.minute do
      assert_empty @store.find(@id)
    end
  end
end
