// Pictures beside a question: made small before they are sent, as each pixel costs the model time; what the server takes of them.
const LONGEST = 896; // pixels: models see no more of it
const QUALITY = 0.85;
export const MOST_PICTURES = 1; // the server takes no more with one question

export const isPicture = ({ kind }) => kind === "image";

// A chosen file that the browser can draw; a drawing of lines is text to the server.
export const looksLikePicture = ({ type }) => type.startsWith("image/") && !type.startsWith("image/svg");

export const pictureName = (name) => `${name.replace(/\.[^.]*$/, "") || "image"}.jpg`;

// The tokens of documents, for a model to which each picture is so many.
export const tokensOf = (documents, imageTokens = 0) => documents.reduce(
  (sum, document) => sum + (isPicture(document) ? imageTokens : document.tokens), 0,
);

// The file itself, or a picture as a small JPEG file, upright and without what the camera wrote beside it. What the browser
// cannot draw goes as it is: the server says what is wrong with it.
export async function shrunk(file) {
  if (!looksLikePicture(file)) return file;
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "white"; // JPEG knows no transparency
  pen.fillRect(0, 0, width, height);
  pen.drawImage(picture, 0, 0, width, height);
  picture.close();
  const data = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  return data ? new File([data], pictureName(file.name), { type: "image/jpeg" }) : file;
}
