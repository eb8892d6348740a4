require "test_helper"

class PromptTest < ActiveSupport::TestCase
  test "takes text" do
    assert_predicate Prompt.new(content: "Hi"), :valid?
  end

  test "refuses blank text" do
    prompt = Prompt.new(content: " \n")

    assert_predicate prompt, :invalid?
    assert_equal [ "Your message can't be blank" ], prompt.errors.full_messages.map { |text| text.tr("’", "'") }
  end

  test "refuses text beyond the cap" do
    assert_predicate Prompt.new(content: "x" * Prompt::MAX_LENGTH), :valid?
    assert_predicate Prompt.new(content: "x" * (Prompt::MAX_LENGTH + 1)), :invalid?
  end
end
