# Stands for the RubyLLM module where the Assistant takes it. It hands out FakeChats and remembers them.
# The signatures are those of the installed gem: test/fakes/fake_llm_test.rb compares them.
class FakeLLM
  Settings = Struct.new(:openrouter_api_key)

  attr_reader :chats, :config

  def initialize(answer: "Hello from the model", error: nil, api_key: "test-key")
    @answer = answer
    @error = error
    @config = Settings.new(api_key)
    @chats = []
  end

  def chat(model: nil, provider: nil, assume_model_exists: false, context: nil)
    FakeChat.new(model:, provider:, assume_model_exists:, context:, answer: @answer, error: @error).tap { |chat| @chats << chat }
  end
end

# Stands for RubyLLM::Chat: records what it is told, answers with a real RubyLLM::Message or raises.
class FakeChat
  attr_reader :model, :messages, :options, :instructions

  def initialize(answer:, error:, **options)
    @answer = answer
    @error = error
    @options = options
    @model = options[:model]
    @messages = []
  end

  def with_instructions(instructions, append: false, replace: nil)
    @instructions = instructions
    self
  end

  def add_message(message_or_attributes)
    RubyLLM::Message.new(message_or_attributes).tap { |message| @messages << message }
  end

  def ask(message = nil, with: nil, &)
    raise @error if @error

    add_message(role: :user, content: message)
    add_message(role: :assistant, content: @answer)
  end
end
