/** The public interface of the JSON module, which reads bytes without making objects, and writes bytes without making strings. */
export { WordBytes } from './bytes';
export { isObject, type JSONObject } from './object';
export { type JsonKind, JsonReader } from './reader';
export { END_OF_OBJECT, KeySequence, OTHER_KEY } from './keySequence';
export { JsonError } from './scalars';
export { parseJson } from './parse';
export { JsonWriter } from './writer';
