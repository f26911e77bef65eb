"""The contact fields of seed 000, "Schema de Dados do Contato", shared by all tenants."""

from typing import Any

from django.db import migrations

IDENTIFICATION, OFFER, CONTACT, BEHAVIOUR = "Identificação", "Oferta de Crédito", "Contato", "Métricas de Comportamento"
ATTRIBUTES = [
    ("tax_identification", "string", "CNPJ do cliente", "12345678000190", IDENTIFICATION),
    ("trading_name", "string", "Nome fantasia", "Empresa XPTO Ltda", IDENTIFICATION),
    ("first_name", "string", "Primeiro nome", "João", IDENTIFICATION),
    ("last_name", "string", "Último nome", "Silva", IDENTIFICATION),
    ("max_offer_value", "number", "Valor máximo da oferta", "50000.00", OFFER),
    ("max_offer_value_formatted", "string", "Valor formatado", "R$ 50.000,00", OFFER),
    ("min_offer_value", "number", "Valor mínimo da oferta", "10000.00", OFFER),
    ("min_offer_value_formatted", "string", "Valor formatado", "R$ 10.000,00", OFFER),
    ("credit_tax", "string", "Taxa de juros", "1.99% a.m.", OFFER),
    ("phone_number", "string", "Telefone (WhatsApp)", "+5511999999999", CONTACT),
    ("email", "string", "Email", "joao@example.com", CONTACT),
    ("push_token", "string", "Token para push", "ExponentPushToken[...]", CONTACT),
    ("days_since_last_login", "number", "Dias sem login", "5", BEHAVIOUR),
    ("total_transactions", "number", "Total de transações", "42", BEHAVIOUR),
    ("average_ticket", "number", "Ticket médio", "1500.00", BEHAVIOUR),
    ("lifetime_value", "number", "Valor vitalício (LTV)", "63000.00", BEHAVIOUR),
]


def seed(apps: Any, _schema_editor: Any) -> None:
    definition = apps.get_model("audiences", "AttributeDefinition")
    for position, (name, kind, description, example, group) in enumerate(ATTRIBUTES, start=1):
        definition.objects.update_or_create(
            tenant=None,
            name=name,
            defaults={
                "type": kind,
                "description": description,
                "example": example,
                "group": group,
                "position": position,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("audiences", "0002_security")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
