FROM localhost/standin-tools
ADD keycloak.tar.gz /opt/
RUN mv /opt/keycloak-* /opt/keycloak && chown -R 1000:0 /opt/keycloak && chmod -R g+rwX /opt/keycloak && useradd -u 1000 -g 0 keycloak
USER 1000
