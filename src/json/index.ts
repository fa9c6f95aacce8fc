/** The door to JSON as bytes: read without making objects, written without making strings. */
export { JsonError, type JsonKind, JsonReader } from './reader';
export { JsonWriter } from './writer';
