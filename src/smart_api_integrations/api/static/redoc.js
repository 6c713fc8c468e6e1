// Starts Redoc on the description that the page names. No code stands in the page itself.
const place = document.getElementById("redoc");

// Its search runs in a worker made of a string, which the page's policy refuses.
Redoc.init(place.dataset.description, { disableSearch: true }, place);
