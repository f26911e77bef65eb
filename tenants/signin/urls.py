"""Addresses of the second factor."""

from django.urls import path

from tenants.signin.views import AskPage, ManagePage, SetUpPage

urlpatterns = [
    path("", ManagePage.as_view(), name="second-factor"),
    path("ask/", AskPage.as_view(), name="second-factor-ask"),
    path("set-up/", SetUpPage.as_view(), name="second-factor-set-up"),
]
