# One image for the gateway, the workers and the command line. Two stages: the second one holds no
# compiler, no pip, no program that changes its user, no test and nothing of the devstack.
# `make image` builds it on bases made from Debian's packages, without a registry of images.
ARG BUILD_BASE=python:3.13-slim
ARG BASE=python:3.13-slim

FROM ${BUILD_BASE} AS build
# Set where packages come from a folder and not from an index.
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
WORKDIR /build
COPY requirements requirements
# The broker's own environment has no pip, so that nothing is added to it later.
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/broker \
 && /opt/build/bin/pip --python /opt/broker/bin/python install --no-cache-dir --require-hashes \
      -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY broker broker
COPY schemas schemas
COPY workers workers
COPY policies policies
COPY sdk sdk
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . ./sdk \
 && /opt/build/bin/pip --python /opt/broker/bin/python install --no-cache-dir --no-deps wheels/*.whl

FROM ${BASE}
# A slim base lacks the C++ library that one wheel needs, and a minimal one has no program that adds
# users. The base's pip goes, and the wheel that would bring it back.
RUN { ldconfig -p | grep -q libstdc++.so.6 \
      || { apt-get update && apt-get install --yes --no-install-recommends libstdc++6 \
           && rm -rf /var/lib/apt/lists/*; }; } \
 && echo 'broker:x:10001:10001::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'broker:x:10001:' >> /etc/group \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip \
      /usr/local/lib/python3.*/site-packages/pip*
COPY --from=build /opt/broker /opt/broker
COPY policies /srv/broker/policies
WORKDIR /srv/broker
ENV PATH=/opt/broker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BROKER_HTTP_HOST=0.0.0.0 \
    BROKER_HTTP_PORT=8080
# Imports all that it needs, so that an image that cannot start is never made.
RUN broker policy lint policies/england > /dev/null
USER 10001:10001
EXPOSE 8080
# One process a container: `serve`, `worker`, or any other command of `broker`.
ENTRYPOINT ["broker"]
CMD ["serve"]
