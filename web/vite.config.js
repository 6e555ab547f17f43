// Builds src/graphiql.html into dist/: the server answers it at GET /graphql and
// serves dist/assets at /static/assets.
import { defineConfig } from 'vite'

export default defineConfig({
  root: 'src',
  base: '/static/',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: 'src/graphiql.html',
      checks: { moduleLevelDirective: false },
    },
    target: 'es2022',
  },
  worker: { format: 'es' },
})
