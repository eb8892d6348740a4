Rails.application.routes.draw do
  root "conversations#show"

  resource :conversation, only: %i[ show destroy ]
  resources :messages, only: :create

  get "up" => "rails/health#show", as: :rails_health_check
end
