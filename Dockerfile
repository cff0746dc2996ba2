# Portal as an image. What it runs is said as after `portal`:
#   docker build --tag portal .
#   docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:8080:8080 portal serve coverage --host 0.0.0.0 --port 8080
# Contracts of one's own: mounted at /portal/contracts, or an image FROM this one that copies them there.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
RUN ["python", "-m", "venv", "/opt/portal"]
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY contracts contracts
COPY harness harness
COPY mocks mocks
COPY reference_services reference_services
RUN ["/opt/portal/bin/pip", "install", "--no-cache-dir", "--constraint", "constraints.txt", ".[telemetry]"]

FROM python:${PYTHON}-slim
COPY --from=build /opt/portal /opt/portal
# Only /tmp is written to. With PORTAL_CONTAINER the tool says when nobody outside can reach it.
ENV PATH=/opt/portal/bin:$PATH HOME=/tmp PORTAL_STATE=/tmp/portal PORTAL_CONTAINER=1 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /portal
# A number, by which a cluster sees that it is not root; harness/cli/kubernetes.py has the same.
USER 10001:10001
EXPOSE 8080
# A mock knows no such path and says so, which is an answer; whoever is not ready says 503.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as c; k = c.HTTPConnection('127.0.0.1', 8080, timeout=3); k.request('GET', '/health/ready'); exit(k.getresponse().status >= 500)"]
ENTRYPOINT ["portal"]
CMD ["--help"]
