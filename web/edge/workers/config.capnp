using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    # The server may be on this machine or network; name "public" alone if it is not.
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "*:8787", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "@recrypt-service/sdk/recrypt.wasm", wasm = embed "dist/recrypt.wasm"),
  ],
  bindings = [
    (name = "RECRYPT_ORIGIN", fromEnvironment = "RECRYPT_ORIGIN"),
    (name = "RECRYPT_SERVICE", fromEnvironment = "RECRYPT_SERVICE"),
    (name = "ALLOW_ORIGINS", fromEnvironment = "ALLOW_ORIGINS"),
    (name = "EDGE_SEED", text = embed "edge.seed"),
    (name = "EDGE_IDENTITY", text = embed "edge.identity"),
  ],
  compatibilityDate = "2026-11-01",
);
