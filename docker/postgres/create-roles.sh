#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: the two roles and the database of docs/operating.md.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner_password="$PRISM_OWNER_PASSWORD" --set web_password="$PRISM_WEB_PASSWORD" <<'SQL'
CREATE ROLE prism_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE prism_web LOGIN PASSWORD :'web_password';
CREATE DATABASE prism OWNER prism_owner TEMPLATE template0;
REVOKE CONNECT ON DATABASE prism FROM PUBLIC;
GRANT CONNECT ON DATABASE prism TO prism_owner, prism_web;
SQL
