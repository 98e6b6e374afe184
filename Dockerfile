# One image for the gateway, the workers and the command line. Two stages: the second one holds no
# compiler, no package manager's cache, no test and nothing of the devstack.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements requirements
RUN python -m venv /opt/broker \
 && /opt/broker/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY broker broker
COPY schemas schemas
COPY workers workers
COPY policies policies
COPY sdk sdk
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . ./sdk \
 && /opt/broker/bin/pip install --no-cache-dir --no-deps wheels/*.whl

FROM python:3.13-slim
RUN groupadd --system --gid 10001 broker \
 && useradd --system --uid 10001 --gid broker --no-create-home --shell /usr/sbin/nologin broker
COPY --from=build /opt/broker /opt/broker
COPY policies /srv/broker/policies
WORKDIR /srv/broker
ENV PATH=/opt/broker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BROKER_HTTP_HOST=0.0.0.0 \
    BROKER_HTTP_PORT=8080
USER broker
EXPOSE 8080
# One process a container: `serve`, `worker`, or any other command of `broker`.
ENTRYPOINT ["broker"]
CMD ["serve"]
