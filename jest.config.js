/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: {
    '^.+\\.[jt]s$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  // jose is ESM only, which jest's own loader cannot require before Node 24.9.
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
};
