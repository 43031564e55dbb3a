/** What the build gives. */

declare module "*?worker&url" {
  const url: string;
  export default url;
}

declare module "*.css";

interface ImportMeta {
  readonly env: {
    /** Of recrypt.wasm, as in HTML. */
    readonly VITE_MODULE_INTEGRITY: string;
    /** Where a developer's build finds the npm binding. */
    readonly VITE_NPM_BINDING?: string;
  };
}
