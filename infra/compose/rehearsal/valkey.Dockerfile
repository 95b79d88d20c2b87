FROM localhost/standin-tools
RUN mkdir -p /data
WORKDIR /data
