export default {
  mode: "production",
  entry: "./main.js",
  output: { filename: "main.js", module: true, clean: true },
  experiments: { outputModule: true },
  performance: { hints: false }, // recrypt.wasm is as large as it is
};
