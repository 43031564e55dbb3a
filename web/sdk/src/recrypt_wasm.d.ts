/** What `import module from "@recrypt-service/sdk/recrypt.wasm"` gives where the bundler or the runtime compiles it. */
declare const module: WebAssembly.Module;
export default module;
