// Loaded into each process of the suite with --expose-gc. On SIGUSR2 the process runs a full garbage collection.
process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
})
