package amazonpay_test

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

var updateGoldens = flag.Bool("update", false, "write the request goldens anew")

// invoke calls the method of the action's name. The result is nil for an error
// and for actions without one.
func invoke(ctx context.Context, c *amazonpay.Client, action string, request any) (result any, err error) {
	args := []reflect.Value{reflect.ValueOf(ctx)}
	if request != nil {
		args = append(args, reflect.ValueOf(request))
	}
	out := reflect.ValueOf(c).MethodByName(action).Call(args)
	if e := out[len(out)-1]; !e.IsNil() {
		err = e.Interface().(error)
	}
	if len(out) == 2 && !out[0].IsNil() {
		result = out[0].Interface()
	}
	return result, err
}

// faultsOf are the faults of an *InvalidError, each as one text.
func faultsOf(t testing.TB, err error) []string {
	t.Helper()
	invalid, ok := errors.AsType[*amazonpay.InvalidError](err)
	require.True(t, ok, "not an *InvalidError: %v", err)
	texts := make([]string, len(invalid.Faults))
	for i, f := range invalid.Faults {
		texts[i] = f.Field + " " + f.Problem
	}
	return texts
}

// assertAction checks which operation an *Error is of.
func assertAction(t testing.TB, action string, err error) {
	t.Helper()
	if e, ok := errors.AsType[*amazonpay.Error](err); assert.True(t, ok, "not an *Error: %v", err) {
		assert.Equal(t, action, e.Action)
	}
}

// isLeaf reports whether a type is one value to the reader, though it may be a
// struct to Go.
func isLeaf(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[amazonpay.Price]() || t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

// walkLeaves visits every leaf below v with its Go path. Empty lists count as
// leaves; a nil pointer is one, too.
func walkLeaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch {
	case isLeaf(v.Type()), v.Kind() == reflect.Slice && v.Len() == 0:
		visit(path, v)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkLeaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	default:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			walkLeaves(v.Field(i), name, visit)
		}
	}
}

func zeroFields(v reflect.Value, path string) (zero []string) {
	walkLeaves(v, path, func(path string, v reflect.Value) {
		if v.IsZero() {
			zero = append(zero, path)
		}
	})
	return zero
}

// values counts the elements that a result was read from: a price has two.
func values(v reflect.Value) (n int) {
	walkLeaves(v, "", func(_ string, v reflect.Value) {
		switch {
		case v.IsZero():
		case v.Type() == reflect.TypeFor[amazonpay.Price]():
			n += 2
		default:
			n++
		}
	})
	return n
}

// leafElements counts the elements of a document without children, apart from
// the request id.
func leafElements(t *testing.T, document string) (n int) {
	decoder := xml.NewDecoder(strings.NewReader(document))
	opened := ""
	for {
		tok, err := decoder.Token()
		if err == io.EOF {
			return n
		}
		require.NoError(t, err)
		switch tok := tok.(type) {
		case xml.StartElement:
			opened = tok.Name.Local
		case xml.EndElement:
			if opened == tok.Name.Local && opened != "RequestId" {
				n++
			}
			opened = ""
		}
	}
}

// goldenOf is the form of a request golden: sorted, and without what changes.
func goldenOf(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if name != "Timestamp" && name != "Signature" {
				fmt.Fprintf(&b, "%s=%s\n", name, value)
			}
		}
	}
	return b.String()
}

func TestOperationGoldens(t *testing.T) {
	for action, test := range operationCases() {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			x := &exchange{answer: goldenAnswers}
			result, err := invoke(t.Context(), x.client(t), action, test.request)
			require.NoError(t, err)
			require.Len(t, x.sent, 1)

			golden := filepath.Join("testdata", action+".request.txt")
			if *updateGoldens {
				require.NoError(t, os.WriteFile(golden, []byte(goldenOf(x.sent[0].form)), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), goldenOf(x.sent[0].form))
			if test.request != nil {
				assert.Equal(t, test.unset, zeroFields(reflect.ValueOf(test.request), ""), "fields of the request that the test leaves zero")
			}

			_, document := goldenAnswers(x.sent[0].form)
			elements := leafElements(t, document)
			if test.result == nil {
				require.Nil(t, result)
				assert.LessOrEqual(t, elements, 1, "elements that nothing reads")
				return
			}
			assert.Equal(t, test.result, result)
			got := reflect.ValueOf(result).Elem()
			assert.Equal(t, test.absent, zeroFields(got, ""), "fields of the result that stay zero")
			assert.Equal(t, elements+test.joined, values(got), "elements of the answer and values in the result")
		})
	}
}

// sourceMethod is a method of *Client as the source has it.
type sourceMethod struct {
	decl   *ast.FuncDecl
	action string
	quota  string
}

var (
	actionTrailer = regexp.MustCompile(`Action: (\w+)\.`)
	quotaTrailer  = regexp.MustCompile(`Quota: ([^.]+(?:\([^)]*\))?)\.`)
)

// operationMethods are the methods of *Client whose comment names an action.
func operationMethods(t *testing.T) map[string]sourceMethod {
	methods := map[string]sourceMethod{}
	for _, f := range sources(t, ".") {
		for _, d := range f.tree.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Recv == nil || receiver(decl) != "Client" {
				continue
			}
			doc := strings.Join(strings.Fields(decl.Doc.Text()), " ")
			if m := actionTrailer.FindStringSubmatch(doc); m != nil {
				method := sourceMethod{decl: decl, action: m[1]}
				if q := quotaTrailer.FindStringSubmatch(doc); q != nil {
					method.quota = q[1]
				}
				methods[decl.Name.Name] = method
			}
		}
	}
	return methods
}

func receiver(decl *ast.FuncDecl) string {
	t := decl.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// requiredFields are the Go paths of the fields that a zero request lacks.
func requiredFields(t reflect.Type) (fields []string) {
	for f := range t.Fields() {
		if slices.Contains(strings.Split(f.Tag.Get("pay"), ","), "required") {
			fields = append(fields, f.Name+" is required")
		}
	}
	return fields
}

// The method set of *Client is the table of operations: everything that holds
// for all of them is checked here.
func TestEveryOperation(t *testing.T) {
	// What a zero request lacks besides the fields that are tagged.
	alsoRequired := map[string]string{
		"SetOrderReferenceDetails":   "OrderReferenceAttributes.OrderTotal is required",
		"SetOrderAttributes":         "OrderAttributes is required",
		"SetBillingAgreementDetails": "BillingAgreementAttributes is required",
	}
	const (
		read, write = "20, restored 2 per second (sandbox 5, 1 per second)", "10, restored 1 per second (sandbox 2, 1 per 2 s)"
		unknown     = "not documented"
	)
	quotas := map[string]string{
		"GetServiceStatus":         "2, restored 1 per 5 minutes",
		"GetOrderReferenceDetails": read, "GetAuthorizationDetails": read, "GetCaptureDetails": read, "GetRefundDetails": read, "GetBillingAgreementDetails": read,
		"Authorize": write, "AuthorizeOnBillingAgreement": write, "Capture": write, "Refund": write, "CloseAuthorization": write,
		"SetOrderReferenceDetails": write, "ConfirmOrderReference": write, "CancelOrderReference": write, "CloseOrderReference": write,
		"CreateOrderReferenceForId": write, "SetBillingAgreementDetails": write, "ConfirmBillingAgreement": write,
		"ValidateBillingAgreement": write, "CloseBillingAgreement": write,
		"SetOrderAttributes": unknown, "ListOrderReference": unknown, "ListOrderReferenceByNextToken": unknown, "GetMerchantAccountStatus": unknown,
		"GetProviderCreditDetails": unknown, "GetProviderCreditReversalDetails": unknown, "ReverseProviderCredit": unknown,
		"GetMerchantNotificationConfiguration": unknown, "SetMerchantNotificationConfiguration": unknown,
	}
	methods, cases := operationMethods(t), operationCases()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(quotas)), slices.Collect(maps.Keys(methods)), "the operations of the API and those of the client")

	for m := range reflect.TypeFor[*amazonpay.Client]().Methods() {
		source, ok := methods[m.Name]
		if !ok {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			assert.Equal(t, m.Name, source.action, "the method has its action's name")
			assert.Equal(t, quotas[m.Name], source.quota)
			assert.LessOrEqual(t, statements(source.decl.Body), 3, "statements in the body")
			assert.Contains(t, cases, m.Name, "a case in operationCases")
			for _, kind := range []string{"request.txt", "response.xml"} {
				assert.FileExists(t, filepath.Join("testdata", m.Name+"."+kind))
			}

			x := &exchange{answer: goldenAnswers}
			client := x.client(t)
			if m.Type.NumIn() == 2 {
				_, err := invoke(t.Context(), client, m.Name, nil)
				require.NoError(t, err)
				assert.Equal(t, []string{source.action}, x.actions())
				return
			}
			request := reflect.Zero(m.Type.In(2))
			assert.Equal(t, m.Name+"Request", request.Type().Name())
			want := requiredFields(request.Type())
			if also := alsoRequired[m.Name]; also != "" {
				want = append(want, also)
			}
			result, err := invoke(t.Context(), client, m.Name, request.Interface())
			assert.Nil(t, result)
			assert.NotEmpty(t, want)
			assert.Equal(t, want, faultsOf(t, err), "every required field at once")
			assert.ErrorContains(t, err, "amazonpay: "+m.Name+": ")
			assert.Empty(t, x.sent, "nothing is sent")
		})
	}
}

// statements counts those in a body, at any depth.
func statements(body *ast.BlockStmt) (n int) {
	ast.Inspect(body, func(node ast.Node) bool {
		if _, block := node.(*ast.BlockStmt); !block {
			if _, ok := node.(ast.Stmt); ok {
				n++
			}
		}
		return true
	})
	return n
}

// setField sets the field at a Go path such as "ProviderCreditList[0].ProviderID".
func setField(t *testing.T, root reflect.Value, path string, value reflect.Value) {
	t.Helper()
	v := root
	for step := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(step, "[")
		if name != "" {
			v = v.FieldByName(name)
		}
		if indexed {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			require.NoError(t, err)
			v = v.Index(i)
		}
		require.True(t, v.IsValid(), path)
	}
	v.Set(value.Convert(v.Type()))
}

// changed is the full request of an action with one field set to value.
func changed(t *testing.T, action, path string, value any) any {
	t.Helper()
	request := reflect.New(reflect.TypeOf(operationCases()[action].request)).Elem()
	request.Set(reflect.ValueOf(operationCases()[action].request))
	setField(t, request, path, reflect.ValueOf(value))
	if path == "BillingAgreementAttributes.BillingAgreementType" {
		setField(t, request, "BillingAgreementAttributes.SubscriptionAmount", reflect.ValueOf(amazonpay.Price{})) // goes with one type only
	}
	return request.Interface()
}
