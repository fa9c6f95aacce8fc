/** The door to JSON: read as bytes without making objects, written as bytes without making strings. */
export { isObject, type JSONObject } from './object';
export { type JsonKind, JsonReader } from './reader';
export { JsonError } from './scalars';
export { parseJson } from './parse';
export { JsonWriter } from './writer';
