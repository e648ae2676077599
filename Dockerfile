# Build stage: the bundle holds every dependency, so the final stage needs no node_modules.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts && npm rebuild esbuild
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/build.mjs

# The CNI plugin on the host: one static file that runs on any Linux.
FROM debian:bookworm-slim AS forwarder
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY src/redirect/cni/forwarder /src
RUN mkdir -p /out && gcc -std=c11 -Os -static -s -Wall -Wextra -Werror -o /out/istio-cni /src/istio-cni.c

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends iproute2 iptables nftables \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY templates ./templates
COPY manifests ./manifests
COPY --from=build /src/dist ./dist
COPY --from=forwarder /out /opt/cni/bin
# istiod: proxies run as 1337; the webhook server must not share their uid, nor be root.
USER 65532:65532
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
