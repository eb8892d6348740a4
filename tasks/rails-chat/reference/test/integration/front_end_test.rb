require "test_helper"

# Stimulus must really start, and know every controller and action that the views name.
class FrontEndTest < ActionDispatch::IntegrationTest
  JAVASCRIPT = Rails.root.join("app/javascript")

  test "the entry point loads Turbo and the controllers" do
    entry = JAVASCRIPT.join("application.js").read

    assert_match(/^import "@hotwired\/turbo-rails"$/, entry)
    assert_match(/^import "controllers"$/, entry)
    assert_match(/Application\.start\(\)/, JAVASCRIPT.join("controllers/application.js").read)
  end

  test "the import map resolves everything that is imported" do
    get root_path
    imports = JSON.parse(css_select("script[type=importmap]").text)["imports"]

    JAVASCRIPT.glob("**/*.js").flat_map { |file| file.read.scan(/from "([^"]+)"|^import "([^"]+)"/).flatten.compact }.each do |name|
      assert_includes imports, name
    end
  end

  test "every controller and action that the page names exists" do
    get root_path

    css_select("[data-controller]").flat_map { |node| node["data-controller"].split }.each do |name|
      assert_path_exists JAVASCRIPT.join("controllers/#{name}_controller.js")
    end
    css_select("[data-action]").flat_map { |node| node["data-action"].scan(/(\w+)#(\w+)/) }.each do |controller, action|
      assert_match(/^  #{action}\(/, JAVASCRIPT.join("controllers/#{controller}_controller.js").read)
    end
  end
end
