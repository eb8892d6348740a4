# What the composer submits.
class Prompt
  include ActiveModel::Model
  include ActiveModel::Attributes

  MAX_LENGTH = 8_000

  attribute :content, :string

  validates :content, presence: true, length: { maximum: MAX_LENGTH }
end
