require "test_helper"

# A fake is only worth what it shares with the real thing.
class FakeLLMTest < ActiveSupport::TestCase
  RECORDERS = %i[ options instructions ].freeze

  test "every method of FakeChat exists on RubyLLM::Chat with the same parameters" do
    stand_ins = FakeChat.public_instance_methods(false) - RECORDERS

    assert_includes stand_ins, :ask
    stand_ins.each do |name|
      assert RubyLLM::Chat.public_method_defined?(name), "RubyLLM::Chat has no #{name}"
      assert_equal RubyLLM::Chat.instance_method(name).parameters, FakeChat.instance_method(name).parameters, name
    end
  end

  test "FakeLLM takes the options that RubyLLM::Chat takes" do
    assert_respond_to RubyLLM, :chat
    assert_equal RubyLLM::Chat.instance_method(:initialize).parameters, FakeLLM.instance_method(:chat).parameters
  end

  test "the configuration has the setting that FakeLLM imitates" do
    assert_includes RubyLLM::Configuration.options, :openrouter_api_key
  end

  test "the answer is the gem's own message" do
    answer = FakeLLM.new(answer: "Hi").chat.ask("Hello")

    assert_instance_of RubyLLM::Message, answer
    assert_equal "Hi", answer.content
  end
end
