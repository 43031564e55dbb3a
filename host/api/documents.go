package api

// DocumentIDLength is the number of characters of a document's id in the repository:
// lower-case base32 of the SHA-256 of the encrypted document.
const DocumentIDLength = 52

// CodeRange is the code for a range that is not in the document.
const CodeRange = "range" // 416: the range begins behind the end; Content-Range tells the size

// Document answers put_document.
type Document struct {
	ID   string `json:"id" doc:"lower-case base32 of the SHA-256 of the document"`
	Size int64  `json:"size" doc:"bytes"`
}

// Upload answers put_document_part and get_upload.
type Upload struct {
	ID       string `json:"id" doc:"of the document"`
	Received int64  `json:"received" doc:"bytes that have come, from the beginning: where the next part begins"`
	Total    int64  `json:"total" doc:"bytes of the whole document"`
	Complete bool   `json:"complete" doc:"the document is there"`
}
