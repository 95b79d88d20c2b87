FROM localhost/standin-python
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libcap2-bin openjdk-21-jre-headless prometheus valkey-server valkey-tools wget \
    && rm -rf /var/lib/apt/lists/*
