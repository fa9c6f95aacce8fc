const { availableParallelism } = require('node:os');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  // Most tests wait for sockets and processes, so that more workers than cores finish sooner.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // For shared machines, where a second is not always a second.
  testTimeout: 20_000,
  transform: {
    '^.+\\.[jt]s$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  // jose is ESM only, which jest's own loader cannot require before Node 24.9.
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
};
