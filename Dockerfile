# The service. Build: docker build -t tokenmill . ; run: see compose.yaml.
# Debian and not Alpine: DuckDB and onnxruntime have binaries for glibc only.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json asconfig.json asconfig.filters.json ./
COPY src ./src
RUN npm run build

FROM node:22-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    TOKENMILL_WORKSPACE=/workspace \
    TOKENMILL_HOST=0.0.0.0 \
    TOKENMILL_PORT=8080
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE README.md ./
COPY sql ./sql
COPY docs ./docs
COPY fixtures/crawl ./fixtures/crawl
# The image's own user without rights owns the workspace, and nothing else.
RUN mkdir /workspace && chown node:node /workspace
USER node
VOLUME /workspace
EXPOSE 8080
# Bound to all addresses, the service does not start without a token: TOKENMILL_TOKEN or TOKENMILL_TOKEN_FILE.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TOKENMILL_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1 and takes SIGTERM: jobs stop at a commit. `docker stop` waits 10 s unless told otherwise.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
