// Redoc makes its style elements itself; each gets the nonce that this page's policy asks for.
const { nonce } = document.getElementById("redoc").dataset;
const create = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = create(name, options);
  if (name === "style") element.nonce = nonce;
  return element;
};
