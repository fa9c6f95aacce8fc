/** The door to JSON: read as bytes without making objects, written as bytes without making strings. */
export { isObject, type JSONObject } from './object';
export { JsonError, type JsonKind, JsonReader } from './reader';
export { JsonWriter } from './writer';
