module MessagesHelper
  SUGGESTIONS = [
    "Explain Turbo Streams in three sentences.",
    "Write a haiku about a test suite that passes.",
    "What should I cook with lentils and a lemon?"
  ].freeze

  def author_name(message)
    message.from_user? ? "You" : "Assistant"
  end

  def message_classes(message)
    message.from_user? ? "ml-auto bg-zinc-700 text-zinc-50" : "mr-auto bg-transparent text-zinc-100"
  end
end
