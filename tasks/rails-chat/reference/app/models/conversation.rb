# The turns that the model is reminded of. Bounded, because every turn sends all of them again:
# the oldest leave first, and the first that stays is always the user's.
class Conversation
  MAX_MESSAGES = 40
  MAX_CHARACTERS = 60_000

  attr_reader :messages

  def self.load(rows)
    new(Array(rows).map { |row| Message.new(role: row["role"], content: row["content"]) })
  end

  def initialize(messages = [])
    @messages = bounded(messages)
  end

  def add(*new_messages)
    self.class.new(messages + new_messages)
  end

  def empty? = messages.empty?

  def dump
    messages.map { |message| { "role" => message.role, "content" => message.content } }
  end

  private

  def bounded(messages)
    kept = messages.last(MAX_MESSAGES)
    kept = kept.drop(1) while kept.size > 2 && kept.sum { |message| message.content.length } > MAX_CHARACTERS
    kept.drop_while { |message| !message.from_user? }.freeze
  end
end
