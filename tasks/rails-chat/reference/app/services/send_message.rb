# One turn: asks the assistant with the conversation so far, then keeps the question and the answer.
# Where the assistant fails nothing is kept, so the history never holds a question without its answer.
class SendMessage
  def initialize(assistant: Assistant.new, store: ConversationStore.new)
    @assistant = assistant
    @store = store
  end

  # Returns the two new messages: the user's and the assistant's.
  def call(conversation_id:, content:)
    answer = @assistant.reply_to(content, history: @store.find(conversation_id).messages)
    turn = [ Message.from_user(content), Message.from_assistant(answer) ]
    @store.append(conversation_id, *turn)
    turn
  end
end
