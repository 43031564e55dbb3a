export default {
  build: { target: "es2022" },
  optimizeDeps: { exclude: ["@recrypt-service/sdk"] }, // or the dev server looks for worker and module among its own files
};
