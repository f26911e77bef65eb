"""Failed sign-ins: counted while nobody is known yet; afterwards seen and forgiven by those who share an organisation."""

from django.db import migrations

NOBODY_YET = "COALESCE(current_setting('prism.tenant', true), '') = '' AND COALESCE(current_setting('prism.user', true), '') = ''"
SUPERUSER = "current_setting('prism.superuser', true) = 'on'"
# Row-level security of the two tables narrows them to the people of one tenant.
OF_A_MEMBER = (
    "EXISTS (SELECT 1 FROM auth_user u JOIN memberships m ON m.user_id = u.id"
    " WHERE u.username = axes_accessattempt.username)"
)

ATTEMPTS = f"""
ALTER TABLE axes_accessattempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY signing_in ON axes_accessattempt USING ({NOBODY_YET}) WITH CHECK ({NOBODY_YET});
CREATE POLICY seen ON axes_accessattempt FOR SELECT USING ({SUPERUSER} OR {OF_A_MEMBER});
CREATE POLICY forgiven ON axes_accessattempt FOR DELETE USING ({SUPERUSER} OR {OF_A_MEMBER});
-- Deleting an attempt looks here; nothing writes to it.
ALTER TABLE axes_accessattemptexpiration ENABLE ROW LEVEL SECURITY;
"""
NO_ATTEMPTS = """
ALTER TABLE axes_accessattemptexpiration DISABLE ROW LEVEL SECURITY;
DROP POLICY signing_in ON axes_accessattempt;
DROP POLICY seen ON axes_accessattempt;
DROP POLICY forgiven ON axes_accessattempt;
ALTER TABLE axes_accessattempt DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_api_throttle"), ("axes", "0010_accessattemptexpiration")]

    operations = [migrations.RunSQL(ATTEMPTS, NO_ATTEMPTS)]
